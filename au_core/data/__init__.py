"""From folders of video and label files to frame rows, folds and batches."""
