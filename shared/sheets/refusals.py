"""Why a file is refused as a whole, in words that say what to do. `Unread` is raised inside the guarded child, `Unreadable` in our own process."""

from shared.errors import Conflict

SENTENCES = {
    "nothing": "文件是空的。请填写后再导入。",
    "too_large": "文件超过 {limit} MB。请分成几个文件导入。",
    "suffix": "只接受 .xlsx 和 .csv 文件。请在 Excel 或 WPS 中另存为“Excel 工作簿 (*.xlsx)”。",
    "mislabelled": "文件名是 {suffix}，内容却是{found}，不能确定是什么文件。请在 Excel 或 WPS 中打开后另存为“Excel 工作簿 (*.xlsx)”。",
    "old_format": "这是旧版 Excel 文件（.xls）。请在 Excel 或 WPS 中打开后另存为“Excel 工作簿 (*.xlsx)”。",
    "locked": "文件设有打开密码。请在 Excel 或 WPS 中另存为“Excel 工作簿 (*.xlsx)”，不设密码。",
    "web_page": "这是网页或 XML 格式的表格，只是文件名像 Excel。请在 Excel 或 WPS 中打开后另存为“Excel 工作簿 (*.xlsx)”。",
    "not_a_book": "不是 .xlsx 工作簿，文件中没有可以读取的工作表。请在 Excel 或 WPS 中另存为“Excel 工作簿 (*.xlsx)”。",
    "damaged": "文件内容无法识别，可能已损坏。请在 Excel 或 WPS 中打开后另存为新的“Excel 工作簿 (*.xlsx)”。",
    "bomb": "文件解压后异常庞大，已拒绝打开。请把内容复制到新的工作簿后再导入。",
    "odd_names": "文件内部含有异常的路径或重复的部件，已拒绝打开。请把内容复制到新的工作簿后再导入。",
    "entities": "文件内部含有文档类型或实体定义，已拒绝打开。请把内容复制到新的工作簿后再导入。",
    "macros": "文件含有宏或控件，已拒绝打开。请另存为不含宏的“Excel 工作簿 (*.xlsx)”后再导入。",
    "outside": "文件含有外部链接、数据连接或 DDE，已拒绝打开。请断开链接，只保留数值后另存为新的工作簿。",
    "dangerous_formula": "工作表“{sheet}”含有会调用外部程序或网址的公式，已拒绝打开。请只保留数值（复制后“选择性粘贴为数值”）再导入。",
    "unplaced_formula": "工作表“{sheet}”的公式或错误值超过 20 万处，或不能确定在哪些单元格。请只保留数值（复制后“选择性粘贴为数值”）再导入。",
    "too_wide": "工作表的范围过大（可能有一个单元格落在很远的行或列），或者内容过多。请把有内容的行列复制到新表，内容过多的分成几个文件，再导入。",
    "too_long": "工作表超过 {limit} 行。请分成几个文件导入。",
    "too_slow": "读取文件用时过长，已停止。请把内容复制到新的工作簿后再导入。",
    "pattern": "对照文件的 pattern（正则表达式）匹配用时过长，已停止。请写得更具体，不要在重复中再套重复，如把 (a+)+ 写成 a+；改好后重新上传。",
    "encoding": "CSV 文件的编码不是 UTF-8 或 GB18030。请在 Excel 或 WPS 中另存为“CSV UTF-8”，或另存为 .xlsx。",
    "big5": "CSV 文件像是 Big5（繁体中文）编码，按简体中文读出来是乱码。请在 Excel 或 WPS 中打开，确认文字显示正确后另存为 .xlsx，或另存为“CSV UTF-8”。",
    "full_width": "CSV 文件的各列像是用全角的“{mark}”分隔的，不能确定列的界限。请在文本编辑器中把列之间的“{mark}”替换为英文逗号“,”，或在 Excel、WPS 中按“{mark}”分列后另存为 .xlsx。",
    "quotes": "CSV 文件从第 {row} 行起，英文双引号没有成对，后面的行会并入同一单元格，已拒绝读取。请改正该处引号，或另存为 .xlsx 后再导入。",
    "binary": "CSV 文件中有不可见的控制字符，可能不是文本文件。请在 Excel 或 WPS 中另存为 .xlsx 后再导入。",
    "no_sheet": "缺少工作表“{wanted}”。文件中有：{names}。请使用模板，或把工作表改名为“{wanted}”。",
    "blank": "工作表“{wanted}”是空的。请填写后再导入。",
    "blank_beside": "工作表“{wanted}”是空的，文件中另有：{names}。数据在其中一张的，请把那张改名为“{wanted}”，删除空的那张，再导入。",
    "doubled": "有多张工作表都当作“{wanted}”：{names}。请合并成一张，不需要导入的请删除或改名后再导入。",
    "hidden": "工作表“{wanted}”被隐藏。请取消隐藏、核对内容后再导入。",
}


class Unread(Exception):  # noqa: N818  named as the fact it states
    """The child gives the file back: one of SENTENCES, and its facts."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


class Unreadable(Conflict):
    """The file cannot be used as a whole."""

    code = "file_unreadable"

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence.replace("{", "{{").replace("}", "}}")  # type: ignore[misc]  # each file has its own reason


def unreadable(code: str, **facts: object) -> Unreadable:
    """The refusal for one of SENTENCES."""
    return Unreadable(SENTENCES[code].format_map(facts))
