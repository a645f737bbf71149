-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The working days pinned when the case of the round started; an order may set others at signing.
ALTER TABLE issues ADD COLUMN budget_days integer;
UPDATE issues i SET budget_days = coalesce(
    (i.deadline ->> 'budget')::integer,
    (SELECT (p.value #>> '{}')::integer FROM parameters p WHERE p.rule = i.rule AND p.effective_on <= i.found_at::date
        AND p.name = CASE i.level WHEN 'yellow' THEN 'plan_days' ELSE 'budget_days' END ORDER BY p.effective_on DESC, p.version DESC LIMIT 1)
) WHERE i.has_case;

-- The 整改通知书 of each round: what it says as it was signed, and the one file that was written of it.
CREATE TABLE notices (
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    number text NOT NULL UNIQUE,
    unit text NOT NULL,
    unit_code text NOT NULL,
    rule text NOT NULL,
    level text NOT NULL,
    title text NOT NULL,
    demand text NOT NULL,
    inputs jsonb NOT NULL,
    working_days integer NOT NULL,
    role text NOT NULL,
    signed_at timestamptz NOT NULL,
    file text,
    sha256 text,
    written_at timestamptz,
    PRIMARY KEY (issue_id, round)
);
INSERT INTO notices (issue_id, round, number, unit, unit_code, rule, level, title, demand, inputs, working_days, role, signed_at)
SELECT i.id, i.round, i.number, coalesce(u.name, '—'), coalesce(u.code, '—'), i.rule, i.level, i.title, i.demand, i.inputs,
    coalesce((e.details ->> 'budget_days')::integer, i.budget_days), e.role, i.signed_at
FROM issues i JOIN issue_entries e ON e.issue_id = i.id AND e.round = i.round AND e.act = 'confirm'
LEFT JOIN unit_copies u ON u.id = i.unit_id WHERE i.number IS NOT NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER written_notices_stay BEFORE UPDATE OR DELETE ON notices
    FOR EACH ROW WHEN (OLD.sha256 IS NOT NULL) EXECUTE FUNCTION refuse_change();
