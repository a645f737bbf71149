"""The statute book: pure rules that several services need. Each cites its article; none reads a clock."""
