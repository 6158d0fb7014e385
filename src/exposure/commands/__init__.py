"""What a person types: one module per `exposure` command."""
