"""What the chart tests stand on: rendering with the real helm, and the charts' generated parts."""
