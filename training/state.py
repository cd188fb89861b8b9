"""Everything that a training step changes, as named arrays: the content of a checkpoint.

This is the only module that uses private parts of Module. It needs BN's moving averages of each
device (get_params averages them) and the optimizer's states (save_optimizer_states pickles them).
A parameter that is float16 in the network has a float32 master copy beside its momentum; the
optimizer updates the master, and the parameter is the master, rounded. The two averages that adam
keeps of a gradient are stored under the same names, momentum and master.
"""

from common.errors import UserError


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
    # sorted, so that a resumed run writes the same file as an uninterrupted one
    for key, state in sorted(_states(module).items(), key=lambda pair: str(pair[0])):
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
        kind, name = key.split(":", 1)
        if kind == "arg":
            arguments[name] = array.astype("float32")
        elif kind in ("aux0", "aux"):
            states[name] = array.astype("float32")
    return arguments, states


def restore(module, arrays, iteration):
    """Set what init_params cannot: each device's moving averages, the momenta and the masters.

    Raises UserError if the checkpoint of this iteration has other momenta than the module.
    """
    group = module._exec_group
    updater = _updater(module)
    for name, blocks in zip(group.aux_names, group.aux_arrays):
        for k, block in enumerate(blocks):
            arrays[f"aux{k}:{name}"].copyto(block)
    keys = {name.split(":", 1)[1] for name in arrays if name.startswith(("momentum:", "master:"))}
    if updater:
        _check_keys(keys, module, iteration)
    for text in keys:
        key = int(text) if text.isdigit() else text
        momentum = arrays.get(f"momentum:{text}")
        master = arrays.get(f"master:{text}")
        updater.states[key] = momentum if master is None else (momentum, master)
        updater.states_synced[key] = False


def _check_keys(keys, module, iteration):
    """Raise UserError for other keys: the optimizer would start those momenta again from zero."""
    group = module._exec_group
    trained = _trained(group)
    possible = {group.param_names[i] for i in trained}
    if not module._update_on_kvstore:
        count = len(group.contexts)
        possible = {str(i * count + k) for i in trained for k in range(count)}
    has_momenta = iteration and getattr(_updater(module).optimizer, "momentum", True)
    expected = possible if has_momenta else keys & possible
    if keys != expected:
        key = sorted(keys ^ expected)[0]
        fault = "lacks the momentum" if key in expected else "has a momentum with the unknown key"
        raise UserError(
            f"the checkpoint of iteration {iteration:,} {fault} {key!r}, so the run cannot resume "
            "exactly: delete that checkpoint to use the one before it, or move the run folder "
            "away to start again"
        )


def broadcast(module, workers):
    """Give all workers what worker 0 has: parameters, moving averages and, where the workers
    themselves update, momenta.
    """
    group = module._exec_group
    updater = _updater(module)
    for name, blocks in zip(
        group.param_names + group.aux_names, group.param_arrays + group.aux_arrays
    ):
        workers.broadcast(name, blocks[0])
        for block in blocks[1:]:
            blocks[0].copyto(block)
    if workers.sync:  # the updater creates its momenta at the first update, from zero
        for i in _trained(group):
            blocks = group.param_arrays[i]
            for k, block in enumerate(blocks):
                key = i * len(blocks) + k
                updater.states.setdefault(key, block.zeros_like())
                updater.states_synced[key] = False
                workers.broadcast(f"momentum {key}", updater.states[key])


def _trained(group):
    """Return the indices of the parameters that are not frozen: frozen ones have no gradient."""
    return [i for i, gradients in enumerate(group.grad_arrays) if gradients[0] is not None]


def _states(module):
    """Return {key: optimizer state of a parameter}; {} where an asynchronous server has them."""
    updater = _updater(module)
    return updater.states if updater else {}


def _updater(module):
    return module._kvstore._updater if module._update_on_kvstore else module._updater
