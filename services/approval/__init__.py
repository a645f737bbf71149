"""编制审批: owns applications with their opinions, the notices, their seals and the filing ledger."""
