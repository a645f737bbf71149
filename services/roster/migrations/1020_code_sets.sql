-- migrate:up
SET LOCAL lock_timeout = '5s';

-- All further code sets, by the name that services/roster/models/fields.py gives them; an office adds its own codes. `position` orders a form's list;
-- `aliases` are the words of older registers, which an import takes too; `standard` is the code in the national standard where ours is another.
CREATE TABLE codes (
    set text NOT NULL,
    code text NOT NULL,
    label text NOT NULL,
    position integer NOT NULL,
    aliases text[] NOT NULL DEFAULT '{}',
    standard text,
    valid daterange NOT NULL,
    document_no text NOT NULL,
    EXCLUDE USING gist (set WITH =, code WITH =, valid WITH &&),
    EXCLUDE USING gist (set WITH =, label WITH =, valid WITH &&)
);

-- Of which population a kind's people are (机关事业、编外、国资); only a counted kind is 编制.
ALTER TABLE establishment_kinds ADD COLUMN population text NOT NULL DEFAULT 'public'
    CHECK (population IN ('public', 'off_establishment', 'state_enterprise'));
UPDATE establishment_kinds SET population = 'off_establishment' WHERE code = 'BW';
UPDATE establishment_kinds SET population = 'state_enterprise' WHERE code = 'GQE';

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'ethnicities', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), 'GB/T 3304-1991' FROM (VALUES
    (1, '01', '汉族', '汉'), (2, '02', '蒙古族', '蒙古'), (3, '03', '回族', '回'), (4, '04', '藏族', '藏'), (5, '05', '维吾尔族', '维吾尔'),
    (6, '06', '苗族', '苗'), (7, '07', '彝族', '彝'), (8, '08', '壮族', '壮'), (9, '09', '布依族', '布依'), (10, '10', '朝鲜族', '朝鲜'),
    (11, '11', '满族', '满'), (12, '12', '侗族', '侗'), (13, '13', '瑶族', '瑶'), (14, '14', '白族', '白'), (15, '15', '土家族', '土家'),
    (16, '16', '哈尼族', '哈尼'), (17, '17', '哈萨克族', '哈萨克'), (18, '18', '傣族', '傣'), (19, '19', '黎族', '黎'), (20, '20', '傈僳族', '傈僳'),
    (21, '21', '佤族', '佤'), (22, '22', '畲族', '畲'), (23, '23', '高山族', '高山'), (24, '24', '拉祜族', '拉祜'), (25, '25', '水族', '水'),
    (26, '26', '东乡族', '东乡'), (27, '27', '纳西族', '纳西'), (28, '28', '景颇族', '景颇'), (29, '29', '柯尔克孜族', '柯尔克孜'), (30, '30', '土族', '土'),
    (31, '31', '达斡尔族', '达斡尔'), (32, '32', '仫佬族', '仫佬'), (33, '33', '羌族', '羌'), (34, '34', '布朗族', '布朗'), (35, '35', '撒拉族', '撒拉'),
    (36, '36', '毛南族', '毛南'), (37, '37', '仡佬族', '仡佬'), (38, '38', '锡伯族', '锡伯'), (39, '39', '阿昌族', '阿昌'), (40, '40', '普米族', '普米'),
    (41, '41', '塔吉克族', '塔吉克'), (42, '42', '怒族', '怒'), (43, '43', '乌孜别克族', '乌孜别克'), (44, '44', '俄罗斯族', '俄罗斯'), (45, '45', '鄂温克族', '鄂温克'),
    (46, '46', '德昂族', '德昂'), (47, '47', '保安族', '保安'), (48, '48', '裕固族', '裕固'), (49, '49', '京族', '京'), (50, '50', '塔塔尔族', '塔塔尔'),
    (51, '51', '独龙族', '独龙'), (52, '52', '鄂伦春族', '鄂伦春'), (53, '53', '赫哲族', '赫哲'), (54, '54', '门巴族', '门巴'), (55, '55', '珞巴族', '珞巴'),
    (56, '56', '基诺族', '基诺')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'political_statuses', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), 'GB/T 4762-1984' FROM (VALUES
    (1, '01', '中共党员', '中国共产党党员 党员'), (2, '02', '中共预备党员', '预备党员 中国共产党预备党员'), (3, '03', '共青团员', '团员'), (4, '04', '民革党员', '民革会员'),
    (5, '05', '民盟盟员', '民盟'), (6, '06', '民建会员', '民建'), (7, '07', '民进会员', '民进'), (8, '08', '农工党党员', '农工党'), (9, '09', '致公党党员', '致公党'),
    (10, '10', '九三学社社员', '九三学社'), (11, '11', '台盟盟员', '台盟'), (12, '12', '无党派民主人士', '无党派人士 无党派'), (13, '13', '群众', '')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'educations', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), 'GB/T 4658-2006' FROM (VALUES
    (1, '10', '研究生', '研究生教育'), (2, '11', '博士研究生毕业', '博士研究生 博士'), (3, '12', '博士研究生结业', ''), (4, '13', '博士研究生肄业', ''),
    (5, '14', '硕士研究生毕业', '硕士研究生 硕士'), (6, '15', '硕士研究生结业', ''), (7, '16', '硕士研究生肄业', ''), (8, '17', '研究生班毕业', '研究生班'),
    (9, '18', '研究生班结业', ''), (10, '19', '研究生班肄业', ''), (11, '20', '本科', '大学本科 大学本科教育 大学'), (12, '21', '本科毕业', '大学本科毕业 大学毕业'),
    (13, '22', '本科结业', '大学本科结业'), (14, '23', '本科肄业', '大学本科肄业'), (15, '30', '专科', '大专 大学专科 大学专科教育 高职'), (16, '31', '专科毕业', '大专毕业 大学专科毕业'),
    (17, '32', '专科结业', '大专结业'), (18, '33', '专科肄业', '大专肄业'), (19, '40', '中等职业教育', '中职'), (20, '41', '中等专科毕业', '中等专科 中专'),
    (21, '42', '中等专科结业', ''), (22, '43', '中等专科肄业', ''), (23, '44', '职业高中毕业', '职业高中 职高'), (24, '45', '职业高中结业', ''), (25, '46', '职业高中肄业', ''),
    (26, '47', '技工学校毕业', '技工学校 技校'), (27, '48', '技工学校结业', ''), (28, '49', '技工学校肄业', ''), (29, '60', '高中', '普通高中 普通高级中学教育'),
    (30, '61', '高中毕业', '普通高中毕业'), (31, '62', '高中结业', ''), (32, '63', '高中肄业', ''), (33, '70', '初中', '初级中学教育'), (34, '71', '初中毕业', ''),
    (35, '80', '小学', '小学教育'), (36, '81', '小学毕业', ''), (37, '90', '其他', '其它')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'degrees', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), 'GB/T 6864-2003' FROM (VALUES
    (1, '1', '名誉博士', ''), (2, '2', '博士', '博士学位'), (3, '201', '哲学博士', '哲学博士学位'), (4, '202', '经济学博士', '经济学博士学位'),
    (5, '203', '法学博士', '法学博士学位'), (6, '204', '教育学博士', '教育学博士学位'), (7, '205', '文学博士', '文学博士学位'), (8, '206', '历史学博士', '历史学博士学位'),
    (9, '207', '理学博士', '理学博士学位'), (10, '208', '工学博士', '工学博士学位'), (11, '209', '农学博士', '农学博士学位'), (12, '210', '医学博士', '医学博士学位'),
    (13, '211', '军事学博士', '军事学博士学位'), (14, '212', '管理学博士', '管理学博士学位'), (15, '3', '硕士', '硕士学位'), (16, '301', '哲学硕士', '哲学硕士学位'),
    (17, '302', '经济学硕士', '经济学硕士学位'), (18, '303', '法学硕士', '法学硕士学位'), (19, '304', '教育学硕士', '教育学硕士学位'), (20, '305', '文学硕士', '文学硕士学位'),
    (21, '306', '历史学硕士', '历史学硕士学位'), (22, '307', '理学硕士', '理学硕士学位'), (23, '308', '工学硕士', '工学硕士学位'), (24, '309', '农学硕士', '农学硕士学位'),
    (25, '310', '医学硕士', '医学硕士学位'), (26, '311', '军事学硕士', '军事学硕士学位'), (27, '312', '管理学硕士', '管理学硕士学位'), (28, '4', '学士', '学士学位'),
    (29, '401', '哲学学士', '哲学学士学位'), (30, '402', '经济学学士', '经济学学士学位'), (31, '403', '法学学士', '法学学士学位'), (32, '404', '教育学学士', '教育学学士学位'),
    (33, '405', '文学学士', '文学学士学位'), (34, '406', '历史学学士', '历史学学士学位'), (35, '407', '理学学士', '理学学士学位'), (36, '408', '工学学士', '工学学士学位'),
    (37, '409', '农学学士', '农学学士学位'), (38, '410', '医学学士', '医学学士学位'), (39, '411', '军事学学士', '军事学学士学位'), (40, '412', '管理学学士', '管理学学士学位')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'natures', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'party_organ', '党委机关', '党的机关 中国共产党机关'), (2, 'congress_organ', '人大机关', ''), (3, 'administrative_organ', '行政机关', '政府机关'),
    (4, 'consultative_organ', '政协机关', ''), (5, 'supervisory_organ', '监察机关', '纪检监察机关'), (6, 'judicial_organ', '审判机关', '法院'),
    (7, 'procuratorial_organ', '检察机关', '检察院'), (8, 'democratic_party', '民主党派机关', '民主党派'), (9, 'mass_organ', '群团机关', '群众团体 人民团体'),
    (10, 'institution', '事业单位', '事业'), (11, 'state_enterprise', '国有企业', '国企 企业'), (12, 'other_nature', '其他', '其它')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'public_welfare_classes', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'welfare_1', '公益一类', '公益一类事业单位 一类'), (2, 'welfare_2', '公益二类', '公益二类事业单位 二类'), (3, 'commercial', '生产经营类', '从事生产经营活动'),
    (4, 'administrative', '承担行政职能类', '承担行政职能'), (5, 'unclassified', '未分类', '暂未分类')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'sectors', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'education', '教育', '学校'), (2, 'health', '卫生健康', '卫生 医疗 医疗卫生 医院'), (3, 'science', '科学技术', '科技 科研'), (4, 'culture', '文化旅游', '文化 旅游'),
    (5, 'sport', '体育', ''), (6, 'media', '新闻出版广电', '广播电视 新闻'), (7, 'agriculture', '农林水利', '农业 林业 水利 农林水'), (8, 'transport', '交通运输', '交通'),
    (9, 'construction', '城乡建设', '住建 城市公用 城建'), (10, 'resources', '自然资源和环境保护', '自然资源 环保 环境保护'), (11, 'welfare', '社会保障和社会福利', '民政 社保 社会福利'),
    (12, 'market', '市场监管和检验检测', '市场监管 检验检测'), (13, 'law_enforcement', '综合行政执法', '行政执法'), (14, 'emergency', '应急管理', '应急'),
    (15, 'support', '机关后勤服务', '后勤服务'), (16, 'public_administration', '党政管理', '机关 党政机关 公共管理'), (17, 'other_sector', '其他', '其它')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'ranks', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'bureau', '正厅级', '正厅'), (2, 'deputy_bureau', '副厅级', '副厅'), (3, 'division', '正处级', '正处 正县级 县处级正职'),
    (4, 'deputy_division', '副处级', '副处 副县级 县处级副职'), (5, 'section', '正科级', '正科 乡科级正职'), (6, 'deputy_section', '副科级', '副科 乡科级副职'),
    (7, 'subsection', '股级', '正股级 正股 股'), (8, 'deputy_subsection', '副股级', '副股'), (9, 'unranked', '未定规格', '未定级 不定规格 不定级 无规格'),
    (10, 'other_rank', '其他', '其它')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'systems', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'party', '党委', '党委系统'), (2, 'discipline', '纪委监委', '监委 纪检监察'), (3, 'congress', '人大', '人大系统'), (4, 'government', '政府', '政府系统'),
    (5, 'consultative', '政协', '政协系统'), (6, 'court', '法院', '审判'), (7, 'procuratorate', '检察院', '检察'), (8, 'democratic', '民主党派', ''),
    (9, 'mass', '群团', '群团系统'), (10, 'town', '镇街道', '乡镇街道 镇(街道) 镇（街道）'), (11, 'state_capital', '国资', '国有企业'),
    (12, 'other_system', '其他', '其它')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'leadership_levels', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'unit_head', '单位正职', '正职 班子正职'), (2, 'unit_deputy', '单位副职', '副职 班子副职'), (3, 'internal_head', '内设机构正职', '中层正职 内设正职'),
    (4, 'internal_deputy', '内设机构副职', '中层副职 内设副职'), (5, 'other_leader', '其他领导', '其他领导职务')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, standard, valid, document_no)
SELECT 'sexes', position, code, label, string_to_array(aliases, ' '), standard, daterange(NULL, NULL), 'GB/T 2261.1-2003' FROM (VALUES
    (1, 'M', '男', '男性', '1'), (2, 'F', '女', '女性', '2')
) AS codes (position, code, label, aliases, standard);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'identities', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'civil_servant', '公务员', ''), (2, 'like_civil_servant', '参公人员', '参公 参照公务员法管理人员 参照公务员管理'), (3, 'manager', '事业管理人员', '事业管理 事业单位管理人员'),
    (4, 'professional', '专业技术人员', '专技 事业专技 专技人员 专业技术'), (5, 'worker', '工勤人员', '工勤 工勤技能人员 工人'), (6, 'off_establishment_staff', '编外人员', '编外'),
    (7, 'state_enterprise', '国企人员', '国企'), (8, 'unknown_identity', '身份待核', '待核')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'person_classes', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'class_unit_head', '部门正职', '单位正职'), (2, 'class_unit_deputy', '部门副职', '单位副职'), (3, 'class_internal_head', '内设机构正职', '内设正职 中层正职'),
    (4, 'class_internal_deputy', '内设机构副职', '内设副职 中层副职'), (5, 'class_other_leader', '其他领导', ''),
    (6, 'class_non_leading', '非领导', '一般人员 非领导职务 无领导职务')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'leadership_grades', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '中华人民共和国公务员法' FROM (VALUES
    (1, 'bureau_head', '厅局级正职', '正厅级 正厅'), (2, 'bureau_deputy', '厅局级副职', '副厅级 副厅'), (3, 'county_head', '县处级正职', '正处级 正处 正县级'),
    (4, 'county_deputy', '县处级副职', '副处级 副处 副县级'), (5, 'township_head', '乡科级正职', '正科级 正科'), (6, 'township_deputy', '乡科级副职', '副科级 副科'),
    (7, 'internal_post_head', '股级正职', '正股级 正股 股级'), (8, 'internal_post_deputy', '股级副职', '副股级 副股'), (9, 'no_leading_post', '无领导职务', '无 非领导')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'civil_grades', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '公务员职务与职级并行规定' FROM (VALUES
    (1, 'C01', '一级巡视员', ''), (2, 'C02', '二级巡视员', ''), (3, 'C03', '一级调研员', ''), (4, 'C04', '二级调研员', ''), (5, 'C05', '三级调研员', ''),
    (6, 'C06', '四级调研员', ''), (7, 'C07', '一级主任科员', ''), (8, 'C08', '二级主任科员', ''), (9, 'C09', '三级主任科员', ''), (10, 'C10', '四级主任科员', ''),
    (11, 'C11', '一级科员', ''), (12, 'C12', '二级科员', '')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'post_categories', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'managerial_post', '管理岗位', '管理 管理岗'), (2, 'technical_post', '专业技术岗位', '专业技术 专技岗位 专技 专技岗'),
    (3, 'manual_post', '工勤技能岗位', '工勤 工勤岗位 工勤技能 工勤岗'), (4, 'unknown_post', '岗位待核', '待核')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'post_grades', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '事业单位岗位设置管理试行办法' FROM (VALUES
    (1, 'M01', '管理一级', '一级职员 管理岗位一级'), (2, 'M02', '管理二级', '二级职员 管理岗位二级'), (3, 'M03', '管理三级', '三级职员 管理岗位三级'),
    (4, 'M04', '管理四级', '四级职员 管理岗位四级'), (5, 'M05', '管理五级', '五级职员 管理岗位五级'), (6, 'M06', '管理六级', '六级职员 管理岗位六级'),
    (7, 'M07', '管理七级', '七级职员 管理岗位七级'), (8, 'M08', '管理八级', '八级职员 管理岗位八级'), (9, 'M09', '管理九级', '九级职员 管理岗位九级'),
    (10, 'M10', '管理十级', '十级职员 管理岗位十级'), (11, 'T01', '专业技术一级', '专技一级 专业技术岗位一级'), (12, 'T02', '专业技术二级', '专技二级 专业技术岗位二级'),
    (13, 'T03', '专业技术三级', '专技三级 专业技术岗位三级'), (14, 'T04', '专业技术四级', '专技四级 专业技术岗位四级'), (15, 'T05', '专业技术五级', '专技五级 专业技术岗位五级'),
    (16, 'T06', '专业技术六级', '专技六级 专业技术岗位六级'), (17, 'T07', '专业技术七级', '专技七级 专业技术岗位七级'), (18, 'T08', '专业技术八级', '专技八级 专业技术岗位八级'),
    (19, 'T09', '专业技术九级', '专技九级 专业技术岗位九级'), (20, 'T10', '专业技术十级', '专技十级 专业技术岗位十级'), (21, 'T11', '专业技术十一级', '专技十一级 专业技术岗位十一级'),
    (22, 'T12', '专业技术十二级', '专技十二级 专业技术岗位十二级'), (23, 'T13', '专业技术十三级', '专技十三级 专业技术岗位十三级'), (24, 'W01', '工勤技能一级', '技术工一级 工勤一级'),
    (25, 'W02', '工勤技能二级', '技术工二级 工勤二级'), (26, 'W03', '工勤技能三级', '技术工三级 工勤三级'), (27, 'W04', '工勤技能四级', '技术工四级 工勤四级'),
    (28, 'W05', '工勤技能五级', '技术工五级 工勤五级'), (29, 'W06', '普通工', '')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'duty_statuses', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'on_duty', '在编在岗', '在岗 在职 在编'), (2, 'probation', '试用期', '试用 见习'), (3, 'seconded_out', '借出', '借调 借用 在编借出'),
    (4, 'temporary_post', '挂职', '挂职锻炼'), (5, 'long_leave', '长期病事假', '长期病假 长期事假 病假 事假'), (6, 'off_duty', '离岗', '离岗创业 离岗退养 内退'),
    (7, 'awaiting_entry', '待入编', ''), (8, 'left', '已出编', '出编')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'over_quota_causes', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'violation', '违规超编', ''), (2, 'policy', '政策性超编', '政策性安置'), (3, 'history', '历史遗留超编', '历史遗留')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'retirement_categories', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '国务院关于渐进式延迟法定退休年龄的办法' FROM (VALUES
    (1, 'M60', '男（原六十周岁）', '男60 M60'), (2, 'F55', '女（原五十五周岁）', '女55 女干部'), (3, 'F50', '女（原五十周岁）', '女50 女工人'),
    (4, 'SPECIAL', '女（县处级或高级职称）', '女60 高级职称女性')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'off_post_kinds', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '舟山市编外用工分类' FROM (VALUES
    (1, 'enforcement_support', '执法辅助', '执法辅助类'), (2, 'general_support', '普通辅助', '普通辅助类 一般辅助'), (3, 'counter_service', '窗口服务', '窗口服务类 窗口'),
    (4, 'technical_skill', '技术技能', '技术技能类'), (5, 'logistics', '后勤服务', '后勤服务类 后勤')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'employment_forms', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'dispatch', '劳务派遣', '派遣'), (2, 'labour_contract', '劳动合同', '合同制 直接聘用 自聘'), (3, 'part_time', '非全日制用工', '非全日制 劳务协议'),
    (4, 'outsourcing', '购买服务', '服务外包 外包')
) AS codes (position, code, label, aliases);
