"""The pages (门户): what officials, units and leaders see. It decides nothing and keeps nothing: it asks the services with the user's own rights."""
