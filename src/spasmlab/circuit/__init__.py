"""The fast circuit: a spiking spinal cord with its muscle and ankle, on the millisecond clock (ms, mV, nA, µS, nF)."""
