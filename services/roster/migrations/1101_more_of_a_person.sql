-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Studies beside the work and their degrees, the level of the professional title as a code beside its text, and the choice of flexible retirement
-- (domain 1.4 no. 9, 18, 23).
ALTER TABLE person_records
    ADD COLUMN full_time_degree text,
    ADD COLUMN in_service_education text,
    ADD COLUMN in_service_degree text,
    ADD COLUMN professional_title_level text,
    ADD COLUMN flexible_retirement text;

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'professional_title_levels', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '关于深化职称制度改革的意见' FROM (VALUES
    (1, 'title_full_senior', '正高级', '正高 正高级职称'), (2, 'title_associate_senior', '副高级', '副高 副高级职称'), (3, 'title_middle', '中级', '中级职称'),
    (4, 'title_junior', '初级', '初级职称 助理级 初级（助理级）'), (5, 'title_entry', '员级', '初级（员级）')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'flexible_retirements', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '人社部发〔2024〕94号' FROM (VALUES
    (1, 'flexible_none', '不选择弹性退休', '按期退休 按法定年龄退休 不弹性'), (2, 'flexible_early', '弹性提前', '弹性提前退休'), (3, 'flexible_late', '弹性延迟', '弹性延迟退休')
) AS codes (position, code, label, aliases);
