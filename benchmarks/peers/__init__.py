"""What the template is compared with, each as one would write it."""
