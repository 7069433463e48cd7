#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""peers.py KIND FILE BYTES ARRAYS: a peer of h5ckpt, KIND being h5py or torch.save, driven by h5ckpt-bench.

It makes ARRAYS arrays of BYTES bytes in all and answers "ready SETTINGS", or "skip REASON". Then, for each line on
standard input, it gives every page of them new content, saves them all as a new FILE beside the old one, flushes it,
renames it over the old one, flushes the directory and answers "took WALL CPU", in seconds, or "failed REASON". It ends
when its input does.
"""
import os
import resource
import signal
import sys
import time

PAGE_ELEMENTS = 4096 // 4
REPLACED = "os.fsync, os.replace, os.fsync of the directory"


def numpy_arrays(byte_count, array_count):
    import numpy

    random = numpy.random.default_rng(1)
    words, longer = divmod(byte_count // 8, array_count)
    sizes = [words + (i < longer) for i in range(array_count)]
    return {f"array{i}": random.integers(0, 1 << 64, size, dtype=numpy.uint64).view(numpy.float32)
            for i, size in enumerate(sizes)}


class H5py:
    def __init__(self, byte_count, array_count):
        import h5py

        self.h5py = h5py
        self.arrays = numpy_arrays(byte_count, array_count)
        self.settings = (f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}: new file beside the old one, "
                         f"create_dataset of each array, close, {REPLACED}; no checksums")

    def write(self, path):
        with self.h5py.File(path, "x") as file:
            for name, array in self.arrays.items():
                file.create_dataset(name, data=array)


class TorchSave:
    def __init__(self, byte_count, array_count):
        import torch

        self.torch = torch
        self.arrays = numpy_arrays(byte_count, array_count)
        self.tensors = {name: torch.from_numpy(array) for name, array in self.arrays.items()}
        self.settings = (f"PyTorch {torch.__version__}: torch.save of a dict of all tensors to a new file beside the old one, "
                         f"{REPLACED}; CRC-32 as the zip format has it")

    def write(self, path):
        self.torch.save(self.tensors, path)


KINDS = {"h5py": H5py, "torch.save": TorchSave}


def answer(*words):
    print(*" ".join(str(word) for word in words).split("\n")[:1], flush=True)


def renew(arrays, number):
    for array in arrays.values():
        array[::PAGE_ELEMENTS] = number


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def save(peer, path):
    aside = path + ".new"
    peer.write(aside)
    flush(aside)
    os.replace(aside, path)
    flush(os.path.dirname(path))


def save_new_content(peer, path, number):
    renew(peer.arrays, number)
    cpu_before = cpu_seconds()
    wall_before = time.perf_counter()
    save(peer, path)
    wall = time.perf_counter() - wall_before
    return wall, cpu_seconds() - cpu_before


def main(kind, path, byte_count, array_count):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who drives us gets it as well, and closes our input
    try:
        peer = KINDS[kind](int(byte_count), int(array_count))
    except (ImportError, MemoryError) as reason:
        answer("skip", reason or "no memory")
        return
    answer("ready", peer.settings)
    for number, _ in enumerate(sys.stdin, 1):
        try:
            answer("took", *save_new_content(peer, path, number))
        except Exception as reason:
            answer("failed", type(reason).__name__ + ":", reason)


if __name__ == "__main__":
    main(*sys.argv[1:])
