"""What everything else speaks of: kinds, manifests, the snapshot of one gateway."""
