"""The word for programs: whether an order that is sent now reaches the market, and what they are asked for."""
