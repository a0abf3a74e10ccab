"""What stays at home: reading, checking, tracking, plots, gates and the registry."""
