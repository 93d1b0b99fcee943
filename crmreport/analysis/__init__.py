"""One module per analytic: frame in, frozen result out; no client, language, path, clock or plot."""
