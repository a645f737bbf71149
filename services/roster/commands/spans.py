"""What was recorded is never overwritten: its span ends, and what is so from then on is a row of its own."""


def ended(span: str, at: str) -> str:
    """SET of a `tstzrange` column that ends at a parameter, such as `$2`. It is never empty, though several commands run at one instant."""
    return f"{span} = tstzrange(lower({span}), greatest({at}, lower({span}) + interval '1 microsecond'))"
