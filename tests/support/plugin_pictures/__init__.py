"""Pictures of the plugin's commands for the documentation, made of what they print against an executor and the simulator."""
