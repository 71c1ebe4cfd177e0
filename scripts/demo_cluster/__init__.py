"""The whole product on a cluster as a demonstration: installed, called, interrupted, shown."""
