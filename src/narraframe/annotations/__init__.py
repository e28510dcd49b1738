"""What annotators said: the queue, agreement, targets and splits."""
