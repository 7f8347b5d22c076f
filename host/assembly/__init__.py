"""The only modules that know every part: a loaded app with its functions, triggers, storage and task hub."""
