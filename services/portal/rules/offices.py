"""The pages under 管理: address, name, what they are for, and the permission of the service's route that each draws."""

ADMINISTRATION: tuple[tuple[str, str, str, str], ...] = (
    ("/admin/users", "用户与角色", "账号、一次性密码、角色与范围、代办、锁定", "users.read"),
    ("/admin/parameters", "规则参数", "期限、阶梯、限额：现值、生效日期与沿革", "lights.read"),
    ("/admin/chains", "审批链", "谁在第几步、几个工作日内办理", "rules.read"),
    ("/admin/calendar", "工作日历", "一年中的工作日、放假与调休上班", "rules.read"),
    ("/admin/status", "系统状态", "各服务是否就绪、积压与落后", "upkeep.read"),
    ("/admin/dead-letters", "死信", "未能处理的事件，查看与重放", "upkeep.read"),
    ("/admin/outbox", "待发队列", "已提交、还没有发出的事件与流程请求", "upkeep.read"),
    ("/admin/trail", "操作留痕", "各服务中谁在何时办了什么", "audit.read"),
    ("/admin/changes", "账号变更", "账号、角色、代办的每一次变动", "audit.read"),
    ("/admin/sign-ins", "登录记录", "登录、被拒、锁定、改密码", "audit.read"),
    ("/admin/reveals", "证件号查看", "谁为何查看了完整证件号", "audit.read"),
    ("/admin/finds", "调动核对", "谁为拟调入核对过外单位人员", "audit.read"),
    ("/admin/exports", "导出记录", "谁为何导出了什么，谁取走了文件", "audit.read"),
)
SERVICES = ("identity", "roster", "approval", "monitoring", "reporting")
