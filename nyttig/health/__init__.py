"""How a device is, from facts alone: pure functions that know no database and no clock but the `now` they are given."""
