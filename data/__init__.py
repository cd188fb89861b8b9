"""Where images come from: CIFAR's files, the generated set, augmentation, batches."""
