"""Lets community.vmware run on pyVmomi 6.7.1, the one of Debian 12: its modules want a JSON encoder
that came later. Found through PYTHONPATH; does nothing where pyVmomi is newer."""

import datetime
import json

from pyVmomi import VmomiSupport


class _Encoder(json.JSONEncoder):
    """Data objects as dictionaries of what is set, managed objects by their names."""

    def __init__(self, *arguments, explode=None, strip_dynamic=False, **named):
        del explode
        self._hidden = {"dynamicType", "dynamicProperty"} if strip_dynamic else set()
        super().__init__(*arguments, **named)

    def default(self, o):
        if isinstance(o, VmomiSupport.ManagedObject):
            return str(o)
        if isinstance(o, VmomiSupport.DataObject):
            names = [item.name for item in o._GetPropertyList() if item.name not in self._hidden]
            return {name: getattr(o, name) for name in names} | {"_vimtype": o._wsdlName}
        if isinstance(o, datetime.datetime):
            return o.isoformat()
        if isinstance(o, bytes):
            return o.decode("latin-1")
        return str(o) if isinstance(o, type) else super().default(o)


if not hasattr(VmomiSupport, "VmomiJSONEncoder"):
    VmomiSupport.VmomiJSONEncoder = _Encoder
