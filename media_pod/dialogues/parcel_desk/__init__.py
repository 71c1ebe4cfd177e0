"""The built-in parcel desk: an example of a slot-filling dialogue."""
