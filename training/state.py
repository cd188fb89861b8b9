"""Everything that a training step changes, as named arrays: the content of a checkpoint.

Only this module uses private parts of Module. It needs BN's moving averages of each
device (get_params averages them) and the optimizer's states (save_optimizer_states pickles them).
A parameter that is float16 in the network has a float32 master copy beside its momentum; the
optimizer updates the master, and the parameter is the master, rounded. The two averages that adam
keeps of a gradient are stored under the same names, momentum and master.
"""


def collect(module):
    """Return {name: NDArray}. Call mx.nd.waitall() first.

    Parameters are equal on all devices, moving averages are not.
    """
    group = module._exec_group
    arrays = {
        f"arg:{name}": blocks[0] for name, blocks in zip(group.param_names, group.param_arrays)
    }
    for name, blocks in zip(group.aux_names, group.aux_arrays):
        arrays.update({f"aux{k}:{name}": block for k, block in enumerate(blocks)})
    states = _updater(module).states
    # sorted, so that a resumed run writes the same file
    for key, state in sorted(states.items(), key=lambda pair: str(pair[0])):
        momentum, master = state if isinstance(state, tuple) else (state, None)
        arrays.update({f"momentum:{key}": momentum, f"master:{key}": master})
    return {name: array for name, array in arrays.items() if array is not None}


def parameters(arrays):
    """Return (arg_params, aux_params) in float32, for Module.init_params; (None, None) for None.

    aux0: is the first device's moving averages; MXNet's own files use aux:.
    """
    if arrays is None:
        return None, None
    arguments = {}
    states = {}
    for key, array in arrays.items():
        kind, _, name = key.partition(":")
        if kind == "arg":
            arguments[name] = array.astype("float32")
        elif kind in ("aux0", "aux"):
            states[name] = array.astype("float32")
    return arguments, states


def restore(module, arrays):
    """Set what init_params cannot: each device's moving averages, the momenta and the masters."""
    group = module._exec_group
    updater = _updater(module)
    for name, blocks in zip(group.aux_names, group.aux_arrays):
        for k, block in enumerate(blocks):
            arrays[f"aux{k}:{name}"].copyto(block)
    keys = {name.split(":", 1)[1] for name in arrays if name.startswith(("momentum:", "master:"))}
    for text in keys:
        key = int(text) if text.isdigit() else text
        momentum = arrays.get(f"momentum:{text}")
        master = arrays.get(f"master:{text}")
        updater.states[key] = momentum if master is None else (momentum, master)
        updater.states_synced[key] = False


def broadcast(module, workers):
    """Copy worker 0's parameters, moving averages and momenta to all workers."""
    group = module._exec_group
    updater = _updater(module)
    for name, blocks in zip(
        group.param_names + group.aux_names, group.param_arrays + group.aux_arrays
    ):
        workers.broadcast(name, blocks[0])
        # worker 0 has the moving averages of each of its devices
        for block in blocks[1:] if workers.rank else ():
            blocks[0].copyto(block)
    # the updater creates its momenta at the first update, from zero
    for i, blocks in enumerate(group.param_arrays):
        if group.grad_arrays[i][0] is None:  # a frozen parameter
            continue
        for k, block in enumerate(blocks):
            key = i * len(blocks) + k
            if key not in updater.states:
                created = updater.optimizer.create_state_multi_precision(key, block)
                updater.states[key] = created
            updater.states_synced[key] = False
            arrays = updater.states[key]  # adam keeps two, and SGD without momentum none
            for number, array in enumerate(arrays if isinstance(arrays, tuple) else [arrays]):
                if array is not None:
                    workers.broadcast(f"momentum {key}, {number}", array)


def zero_gradients(module):
    """Set a module's gradients to 0, before a batch whose parts are added."""
    for gradients in module._exec_group.grad_arrays:
        for gradient in gradients:
            if gradient is not None:  # of a frozen parameter
                gradient[:] = 0


def _updater(module):
    return module._kvstore._updater if module._update_on_kvstore else module._updater
