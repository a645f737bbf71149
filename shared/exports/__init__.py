"""Lists that leave the house: each service says which it has (`lists`), whoever may read one asks for it (`api`), its worker writes it (`running`).

The table `exports` stands in the kit's migration, so each service has its own; it is the audit trail as well.
"""
