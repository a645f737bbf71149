-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Authorised and not yet filled (已核未用). unspent: neither claimed, nor lapsed, nor given back.
CREATE TABLE reservations (
    id uuid PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES units,
    kind text NOT NULL,
    funding text NOT NULL,
    posts integer NOT NULL CHECK (posts >= 1),
    unspent integer NOT NULL CHECK (unspent BETWEEN 0 AND posts),
    application_id uuid NOT NULL,
    authorisation_no text NOT NULL,
    authorised_on date NOT NULL,
    expires_on date NOT NULL, -- the last day it may be used
    CHECK (expires_on >= authorised_on)
);
CREATE INDEX reservations_by_unit ON reservations (unit_id);
CREATE INDEX reservations_unspent ON reservations (expires_on) WHERE unspent > 0;

-- An entry application holds one post of a reservation from its submission; a held post does not lapse.
CREATE TABLE holds (
    application_id uuid PRIMARY KEY,
    revision integer NOT NULL,
    reservation_id uuid NOT NULL REFERENCES reservations
);
CREATE INDEX holds_by_reservation ON holds (reservation_id);

-- What a final decision claimed. claimed -> effected, or claimed -> given_back.
CREATE TABLE claims (
    application_id uuid PRIMARY KEY,
    revision integer NOT NULL,
    application_type text NOT NULL,
    unit_id uuid NOT NULL REFERENCES units,
    kind text NOT NULL,
    funding text NOT NULL,
    posts integer NOT NULL CHECK (posts >= 0), -- an exit claims none
    reservation_id uuid REFERENCES reservations,
    person_id uuid REFERENCES persons, -- who is about to take the post; none for an exit
    state text NOT NULL CHECK (state IN ('claimed', 'effected', 'given_back'))
);
CREATE UNIQUE INDEX claims_open_for_a_person ON claims (person_id) WHERE state = 'claimed';

-- Revisions of an application up to this one may hold and claim nothing any more.
CREATE TABLE tombstones (
    application_id uuid PRIMARY KEY,
    revision integer NOT NULL
);

-- Every change of the number of reserved posts; its sum is that number, on any date.
CREATE TABLE reserved_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES units,
    kind text NOT NULL,
    funding text NOT NULL,
    posts integer NOT NULL,
    at timestamptz NOT NULL,
    application_id uuid NOT NULL
);
CREATE INDEX reserved_ledger_by_unit ON reserved_ledger (unit_id, kind, funding);

CREATE TABLE freeze_orders (
    id uuid PRIMARY KEY,
    root_unit_id uuid NOT NULL REFERENCES units,
    scopes text[] NOT NULL,
    in_force tstzrange NOT NULL CHECK (NOT isempty(in_force)),
    document_no text NOT NULL,
    release_document_no text
);
CREATE INDEX freeze_orders_in_force ON freeze_orders (root_unit_id) WHERE upper_inf(in_force);

-- Posts that an order freezes by number, on rows of its root unit.
CREATE TABLE frozen_posts (
    order_id uuid NOT NULL REFERENCES freeze_orders,
    unit_id uuid NOT NULL REFERENCES units,
    kind text NOT NULL,
    funding text NOT NULL,
    posts integer NOT NULL CHECK (posts >= 1),
    PRIMARY KEY (order_id, kind, funding)
);
CREATE INDEX frozen_posts_by_unit ON frozen_posts (unit_id);
