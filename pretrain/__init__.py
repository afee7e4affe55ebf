"""Pretraining: a multi-network, global-local contrastive encoder from unlabeled images (Li, Long, Li 2023)."""
