from steps.system_metrics import MAX_SAMPLES, Sampler, sampled


def test_a_short_run_has_one_sample_at_its_end(step):
    (run,) = step("train").runs("train")
    assert 0 <= run.data.metrics["system/cpu_utilization_percentage"] <= 100
    assert run.data.metrics["peak_memory_megabytes"] > 100
    assert run.data.metrics["cpu_seconds"] > 1


def test_the_thread_ends_with_the_block():
    with sampled() as sampler:
        assert sampler._thread.is_alive()
    assert not sampler._thread.is_alive()


def test_a_long_run_keeps_few_samples(monkeypatch):
    monkeypatch.setattr("steps.system_metrics.INTERVAL", 1e-5)
    sampler = Sampler()
    sampler._thread.join(timeout=2)  # it goes on, more and more seldom
    sampler.stop()
    assert 1 < len(sampler._samples) <= MAX_SAMPLES
    assert sampler.interval > 1e-5
