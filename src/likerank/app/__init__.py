"""What surrounds every command: composing, paths, secrets, errors as sentences."""
