-- migrate:up
SET LOCAL lock_timeout = '5s';

-- during: when it is so; recorded: when it was what we knew. A change of a day closes `recorded` and adds the time before it and the time from it on;
-- a correction says what always was so. Sensitive fields (SP) are encrypted one by one, bound to person_records.<column>.<person_id>.
ALTER TABLE person_records
    ADD COLUMN during daterange NOT NULL DEFAULT daterange(NULL, NULL) CHECK (NOT isempty(during)),
    ADD COLUMN ethnicity bytea,
    ADD COLUMN native_place text,
    ADD COLUMN birth_place text,
    ADD COLUMN political_status bytea,
    ADD COLUMN party_joined_on bytea,
    ADD COLUMN work_began_on date,
    ADD COLUMN education text,
    ADD COLUMN degree text,
    ADD COLUMN full_time_education text,
    ADD COLUMN school text,
    ADD COLUMN major text,
    ADD COLUMN graduated_on date,
    ADD COLUMN person_class text,
    ADD COLUMN title_since date,
    ADD COLUMN leadership_level text,
    ADD COLUMN grade text,
    ADD COLUMN post_grade text,
    ADD COLUMN above_rank boolean,
    ADD COLUMN civil_servant_registered boolean,
    ADD COLUMN retirement_reason text, -- why the category is another than post and title say
    DROP CONSTRAINT person_records_person_id_recorded_excl,
    ADD CONSTRAINT person_records_never_two_at_once EXCLUDE USING gist (person_id WITH =, during WITH &&, recorded WITH &&);
CREATE UNIQUE INDEX person_records_now ON person_records (person_id) WHERE upper_inf(during) AND upper_inf(recorded);

-- What belongs to the post. internal_unit and duty_status are those of its first day, until post_changes says otherwise; document_no of a closed
-- placement is the exit's, entry_document_no stays the entry's.
ALTER TABLE placements
    ADD COLUMN internal_unit text,
    ADD COLUMN duty_status text,
    ADD COLUMN entry_source text,
    ADD COLUMN entry_document_no text,
    ADD COLUMN off_post_kind text,
    ADD COLUMN employment_form text,
    ADD COLUMN dispatch_company text,
    ADD COLUMN contract_until date;

-- From a day on the person sits elsewhere in the unit, or is in another status. The last one of a day counts.
CREATE TABLE post_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    placement_id uuid NOT NULL,
    since date NOT NULL,
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    internal_unit text,
    duty_status text,
    EXCLUDE USING gist (placement_id WITH =, since WITH =, recorded WITH &&)
);

-- Every change of a field: before, after, who, why, on which document. since: none when it was said to have been so always.
-- A sensitive value stands here as it stood in person_records, encrypted and bound to the same place.
CREATE TABLE person_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES persons,
    placement_id uuid, -- where the field belongs to the post
    field text NOT NULL,
    since date,
    before text,
    after text,
    sealed_before bytea,
    sealed_after bytea,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    document_no text,
    case_id text
);
CREATE INDEX person_changes_by_person ON person_changes (person_id, id);
