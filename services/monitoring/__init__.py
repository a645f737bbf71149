"""Rules, issues, lights (亮灯) with their history, rectification cases, freeze orders and weekly supervision lists (督办清单)."""
