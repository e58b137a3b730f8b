// Both emulators in one program.
