"""The sentinel: watches the login of one gateway and keeps its permits."""
