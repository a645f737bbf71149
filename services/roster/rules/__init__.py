"""What the roster decides, without I/O; each rule cites its clause."""
