"""A parcel service's desk: the built-in example of a dialogue with slots to fill."""
