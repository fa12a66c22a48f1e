"""What shoplens is measured beside: the same job with other means, as simple as they allow."""
