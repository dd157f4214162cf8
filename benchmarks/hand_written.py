"""The benchmark's chain written by hand: what the generated kernel is measured against. Sixteen patients a batch,
the same steps, the same doses; equations typed out from the docstrings of the stages, not from the generator."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
from numba import njit

WIDTH = 16
ROWS = 24
STOMACH, ABSORBED, LOST, PLASMA, OUT, AREA, PERIPHERAL, ISF, CSF = range(9)
EMPTYING, VMAX, HALF, LINEAR, FACTOR, CL, V, BACK, VP, LAG, KP, KE, KM, CP, CE = range(9, 24)


@njit(cache=True, error_model="numpy", inline="always")
def _absorbed(r, vmax, half, linear, factor):
    b = 0.5 * (half + vmax - r)
    carried = vmax * r / (b + sqrt(b * b + half * r) + r)
    return min(factor * (carried + linear * (r - carried)), r)


@njit(cache=True, error_model="numpy")
def steps(w, size, n):
    for _ in range(n):
        for j in range(WIDTH):
            h = size[j]
            g = 0.5 * h
            k, vmax, half = w[EMPTYING * WIDTH + j], w[VMAX * WIDTH + j], w[HALF * WIDTH + j]
            linear, factor = w[LINEAR * WIDTH + j], w[FACTOR * WIDTH + j]
            cl, v, back, vp = w[CL * WIDTH + j], w[V * WIDTH + j], w[BACK * WIDTH + j], w[VP * WIDTH + j]
            kp, ke, km = w[KP * WIDTH + j], w[KE * WIDTH + j], w[KM * WIDTH + j]
            cp, ce = w[CP * WIDTH + j], w[CE * WIDTH + j]
            d = w[ROWS * WIDTH + j]
            s1, a, p, i, c = (
                w[STOMACH * WIDTH + j], w[PLASMA * WIDTH + j], w[PERIPHERAL * WIDTH + j], w[ISF * WIDTH + j],
                w[CSF * WIDTH + j],
            )  # fmt: skip
            s2 = s1 * d
            s3 = s2 * d
            r1, r2, r3 = k * s1, k * s2, k * s3
            u1 = _absorbed(r1, vmax, half, linear, factor)
            u2 = _absorbed(r2, vmax, half, linear, factor)
            u3 = _absorbed(r3, vmax, half, linear, factor)
            x1 = a / v
            q1 = back * (vp * x1 - p)
            da1 = u1 - cl * x1 - q1
            di1 = ke * (kp * km / (km + x1) * x1 - i)
            dc1 = ce * (cp * x1 - c)
            x2 = (a + g * da1) / v
            q2 = back * (vp * x2 - (p + g * q1))
            da2 = u2 - cl * x2 - q2
            di2 = ke * (kp * km / (km + x2) * x2 - (i + g * di1))
            dc2 = ce * (cp * x2 - (c + g * dc1))
            x3 = (a + g * da2) / v
            q3 = back * (vp * x3 - (p + g * q2))
            da3 = u2 - cl * x3 - q3
            di3 = ke * (kp * km / (km + x3) * x3 - (i + g * di2))
            dc3 = ce * (cp * x3 - (c + g * dc2))
            x4 = (a + h * da3) / v
            q4 = back * (vp * x4 - (p + h * q3))
            da4 = u3 - cl * x4 - q4
            di4 = ke * (kp * km / (km + x4) * x4 - (i + h * di3))
            dc4 = ce * (cp * x4 - (c + h * dc3))
            e = h / 6
            level = x1 + 2 * (x2 + x3) + x4
            taken = e * (u1 + 4 * u2 + u3)
            w[STOMACH * WIDTH + j] = s3
            w[ABSORBED * WIDTH + j] += taken
            w[LOST * WIDTH + j] += e * (r1 + 4 * r2 + r3) - taken
            w[PLASMA * WIDTH + j] = a + e * (da1 + 2 * (da2 + da3) + da4)
            w[OUT * WIDTH + j] += e * cl * level
            w[AREA * WIDTH + j] += e * level
            w[PERIPHERAL * WIDTH + j] = p + e * (q1 + 2 * (q2 + q3) + q4)
            w[ISF * WIDTH + j] = i + e * (di1 + 2 * (di2 + di3) + di4)
            w[CSF * WIDTH + j] = c + e * (dc1 + 2 * (dc2 + dc3) + dc4)


@njit(cache=True, error_model="numpy")
def solve(p, edges, counts, doses, amounts, pending, starting, record, out):
    """p (15, patients) in the order EMPTYING … CE; out (3, times, patients): plasma, cord fluid, spinal fluid."""
    w = np.zeros((ROWS + 1) * WIDTH)
    size, at, stop = np.empty(WIDTH), np.empty(WIDTH), np.empty(WIDTH)
    for batch in range(p.shape[1] // WIDTH):
        base = batch * WIDTH
        w[:] = 0.0
        for j in range(WIDTH):
            for i in range(15):
                w[(EMPTYING + i) * WIDTH + j] = p[i, base + j]
        for edge in range(len(edges)):
            if edge > 0:
                start, end, n = edges[edge - 1], edges[edge], counts[edge - 1]
                at[:] = start
                for d in range(pending[edge - 1, 0], pending[edge - 1, 1]):
                    moving = False
                    for j in range(WIDTH):
                        stop[j] = min(max(doses[d] + w[LAG * WIDTH + j], at[j]), end)
                        moving |= stop[j] > at[j]
                    if moving:
                        for j in range(WIDTH):
                            size[j] = (stop[j] - at[j]) / n
                            w[ROWS * WIDTH + j] = exp(-0.5 * size[j] * w[EMPTYING * WIDTH + j])
                            at[j] = stop[j]
                        steps(w, size, n)
                    for j in range(WIDTH):
                        if start < doses[d] + w[LAG * WIDTH + j] <= end:
                            w[STOMACH * WIDTH + j] += amounts[d]
                moving = False
                for j in range(WIDTH):
                    moving |= at[j] < end
                    size[j] = (end - at[j]) / n
                    w[ROWS * WIDTH + j] = exp(-0.5 * size[j] * w[EMPTYING * WIDTH + j])
                if moving:
                    steps(w, size, n)
            for d in range(starting[edge, 0], starting[edge, 1]):
                for j in range(WIDTH):
                    if doses[d] + w[LAG * WIDTH + j] <= edges[edge]:
                        w[STOMACH * WIDTH + j] += amounts[d]
            place = record[edge]
            if place >= 0:
                for j in range(WIDTH):
                    out[0, place, base + j] = w[PLASMA * WIDTH + j] / w[V * WIDTH + j]
                    out[1, place, base + j] = w[ISF * WIDTH + j]
                    out[2, place, base + j] = w[CSF * WIDTH + j]
