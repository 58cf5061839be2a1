// The parts of PatternFly that are used, each from its own directory: the whole index would have
// the build read two thousand files. Take another one in here when a page needs it.
export { Alert } from '@patternfly/react-core/dist/esm/components/Alert';
export { Button } from '@patternfly/react-core/dist/esm/components/Button';
export { Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core/dist/esm/components/Modal';
export { Tooltip } from '@patternfly/react-core/dist/esm/components/Tooltip';
