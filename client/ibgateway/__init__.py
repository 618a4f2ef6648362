"""What programs of others use: `ibgateway.client`."""
