-- migrate:up
SET LOCAL lock_timeout = '5s';

-- GB/T 2261.1 is whole: two codes that registers and files hold. Nobody's record does: the ID number tells which of the other two it is.
INSERT INTO codes (set, position, code, label, aliases, standard, valid, document_no)
SELECT 'sexes', position, code, label, string_to_array(aliases, ' '), standard, daterange(NULL, NULL), 'GB/T 2261.1-2003' FROM (VALUES
    (3, 'unknown_sex', '未知', '未知的性别', '0'), (4, 'unsaid_sex', '未说明', '未说明的性别', '9')
) AS codes (position, code, label, aliases, standard);
