"""What is traded: contracts and hours, orders and fills, accounts; pure."""
