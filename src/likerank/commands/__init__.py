"""One file a stage: where configuration ends and ordinary arguments begin."""
