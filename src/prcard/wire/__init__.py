"""The SAM_V protocol without any line: frames, sessions, procedures, transcripts."""
