"""What a call costs per tick: a pod on one core, telephones on another."""
