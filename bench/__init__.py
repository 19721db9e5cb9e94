"""Side-by-side benchmarks on a simulated session. They print timings and never judge them."""
