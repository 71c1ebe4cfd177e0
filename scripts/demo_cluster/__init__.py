"""The whole product on a cluster, for people to look at: installed, called, interrupted, shown."""
