"""Shadow: a challenger scores live parts beside the champion, without effect."""
