"""The ways of a diagram's arrows: each the shortest that crosses no box and lies on no other's
way."""

COLUMN = 2.4  # from one column's middle to the next one's
HALF_BOX = (0.8, 0.3)
HALF_CIRCLE = (0.22, 0.3)  # round on paper, where rows are closer than columns
LANES = (0.2, 0.4, 0.6)  # beside a column's boxes
STEP = 0.6  # below a place where paths part
CROSSED_BOX = 1000
SHARED_WAY = 100
BEND = 0.5
SIDE = 4  # of entering or leaving a box, not a circle, by its side


def position(place):
    """(x, y) of a (column, row); y grows downwards."""
    return COLUMN * place[0], place[1]


class Router:
    """Finds the ways of arrows one after another.

    places: {node: (column, row)}. half: {node: half the width and height of its box}.
    """

    def __init__(self, places, half):
        self.at = {name: position(place) for name, place in places.items()}
        self.half = half
        self.taken = []  # (source, segment)

    def way(self, source, target):
        """Points from the source's edge to the target's."""
        best = min(
            self._ways(source, target), key=lambda points: self._cost(source, target, points)
        )
        self.taken += [(source, segment) for segment in zip(best, best[1:])]
        return best

    def _ways(self, source, target):
        """All candidates: straight; down and across; across and down; round by a lane."""
        x0, y0 = self.at[source]
        x1, y1 = self.at[target]
        wide, high = self.half[target]
        out, low = self.half.get(source, (0, 0))
        top = y1 - high
        if x0 == x1:
            yield [(x0, y0 + low), (x1, top)]
        else:
            side = x1 - wide if x0 < x1 else x1 + wide
            yield [(x0, y0 + low), (x0, y1), (side, y1)]
            step = y0 + (STEP if low else 0.1)
            yield [(x0, y0 + low), (x0, step), (x1, step), (x1, top)]
        for column in sorted({x0, x1}):
            for sign in (1, -1):
                for lane in LANES:
                    yield from self._round(column + sign * (HALF_BOX[0] + lane), source, target)

    def _round(self, lane, source, target):
        x0, y0 = self.at[source]
        x1, y1 = self.at[target]
        wide, _ = self.half[target]
        out, low = self.half.get(source, (0, 0))
        entry = x1 + wide if lane > x1 else x1 - wide
        leave = x0 + out if lane > x0 else x0 - out
        yield [(leave, y0), (lane, y0), (lane, y1), (entry, y1)]
        yield [(x0, y0 + low), (x0, y0 + STEP), (lane, y0 + STEP), (lane, y1), (entry, y1)]

    def _cost(self, source, target, points):
        segments = list(zip(points, points[1:]))
        length = sum(abs(x1 - x0) + abs(y1 - y0) for (x0, y0), (x1, y1) in segments)
        crossed = 0
        for name, half in self.half.items():
            ends = name in (source, target)
            crossed += sum(crosses(segment, self.at[name], half, ends) for segment in segments)
        shared = sum(
            overlap(segment, other)
            for segment in segments
            for owner, other in self.taken
            if owner != source
        )
        back = sum(y1 < y0 - 0.01 for (_, y0), (_, y1) in segments)
        sides = ((source, segments[0]), (target, segments[-1]))
        side = sum(
            SIDE
            for name, ((_, y0), (_, y1)) in sides
            if y0 == y1 and self.half.get(name) == HALF_BOX
        )
        return (
            CROSSED_BOX * (crossed + back)
            + SHARED_WAY * shared
            + length
            + BEND * len(segments)
            + side
        )


def crosses(segment, middle, half, ends=False):
    """Whether a segment passes through a box; its own ends may touch the border."""
    (x0, y0), (x1, y1) = segment
    room = -0.02 if ends else 0.04
    wide, high = half[0] + room, half[1] + room
    return (
        min(x0, x1) < middle[0] + wide
        and max(x0, x1) > middle[0] - wide
        and min(y0, y1) < middle[1] + high
        and max(y0, y1) > middle[1] - high
    )


def overlap(one, other):
    """Whether two segments lie on each other for more than a point."""
    for axis in (0, 1):
        across = 1 - axis
        flat = {round(point[across], 3) for point in (*one, *other)}
        if len(flat) == 1:
            low = max(min(point[axis] for point in segment) for segment in (one, other))
            high = min(max(point[axis] for point in segment) for segment in (one, other))
            if high - low > 0.05:
                return True
    return False
