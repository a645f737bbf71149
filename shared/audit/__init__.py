"""The seal over what was recorded (docs/decisions/0054): what stands under it, how it is made, how it is checked."""
